package tenancy

import "time"

// Snapshot is what Keystone has about who may do what, as listed and not interpreted.
// Its maps are by id.
type Snapshot struct {
	Domains  map[string]Domain
	Projects map[string]Project
	// Users are those that an assignment names or a group of Groups has.
	Users map[string]User
	// Groups are those that an assignment names.
	Groups map[string]Group
	// Roles are all global ones, and those of domains that are in use.
	Roles map[string]Role
	// Implied has the roles that a role implies, one step far.
	Implied map[string][]string
	// Assignments are sorted, each once. They may name users and groups that do not
	// exist: Keystone keeps those of users who were deleted in a directory behind it.
	Assignments []Assignment
	// WithoutMembers: no group has any, since they were not asked for.
	WithoutMembers bool
	// Taken is when the reading began.
	Taken time.Time
}

// Domain owns projects, users, groups and sometimes roles.
type Domain struct {
	ID, Name string
	Enabled  bool
}

// Project may have others below it. The parent of one at the top is its domain.
type Project struct {
	ID, Name, DomainID, ParentID string
	Enabled                      bool
	Tags                         []string
}

// User is a user in a domain.
type User struct {
	ID, Name, DomainID string
	Enabled            bool
}

// Group is a group in a domain.
type Group struct {
	ID, Name, DomainID string
	Members            []string // ids of users, sorted
}

// Role is a role. One with a domain is never in a token: it only implies others.
type Role struct {
	ID, Name, DomainID string
}

// Assignment gives a role to a user or to a group, somewhere. An inherited one does not
// hold where it stands, but in all projects below.
type Assignment struct {
	UserID, GroupID string // one of them
	RoleID          string
	Scope           Scope
	Inherited       bool
}

// Scope is where a role holds, and what a token is good for: one of the three.
type Scope struct {
	ProjectID, DomainID string
	System              bool
}
