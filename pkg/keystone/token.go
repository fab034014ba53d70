package keystone

import "time"

// Token is what Keystone says of a token.
type Token struct {
	// ID is the token itself.
	ID       Secret
	Methods  []string
	User     User
	Project  *Project // nil unless scoped to a project
	Domain   *Domain  // nil unless scoped to a domain
	System   bool
	Roles    []Role
	Issued   time.Time
	Expires  time.Time
	AuditIDs []string
	// ApplicationCredential is the one that the token was made with, if any.
	ApplicationCredential *TokenApplicationCredential
	// Catalog is nil when it was not asked for.
	Catalog []Service
}

// User is a user in a domain.
type User struct {
	ID, Name string
	Domain   Domain
	// PasswordExpires is zero when it does not.
	PasswordExpires time.Time
}

// Project is a project in a domain.
type Project struct {
	ID, Name string
	Domain   Domain
	ParentID string
	// Enabled is always true in a token.
	Enabled bool
}

// Domain is a domain. In lists of projects Keystone tells only its id.
type Domain struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// Role is a role within the scope of a token.
type Role struct {
	ID   string `json:"id"`
	Name string `json:"name"`
}

// TokenApplicationCredential is the application credential behind a token.
type TokenApplicationCredential struct {
	ID         string `json:"id"`
	Name       string `json:"name"`
	Restricted bool   `json:"restricted"`
}

// Service is an entry of the catalogue.
type Service struct {
	ID        string     `json:"id"`
	Type      string     `json:"type"`
	Name      string     `json:"name"`
	Endpoints []Endpoint `json:"endpoints"`
}

// Endpoint is an address of a service.
type Endpoint struct {
	ID        string `json:"id"`
	Interface string `json:"interface"`
	Region    string `json:"region"`
	RegionID  string `json:"region_id"`
	URL       string `json:"url"`
}
