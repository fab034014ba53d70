package openstack

// Ref names a thing of Keystone: names are unique within a domain only.
type Ref struct{ Domain, Name string }

func ref(domain, name string) Ref { return Ref{domain, name} }

// Content is what there should be in Keystone.
type Content struct {
	Domains  []string
	Projects []Project
	Roles    []Ref       // without a domain: everybody's
	Implied  [][2]string // having the first means having the second
	Users    []User
	Groups   []Group
	Grants   []Grant
	AppCreds []AppCred
}

// Project may lie inside another one of its domain.
type Project struct {
	Ref
	Parent string
}

// User is a person, or somebody who wants to be taken for one.
type User struct {
	Ref
	Password string
	Seed     string     // of one-time passwords
	Rules    [][]string // which methods are asked for together; none: one will do
	Lockable bool       // wrong passwords lock it; all others are exempt
	Disabled bool
	Locked   bool // by wrong passwords
	Expired  bool // its password
}

// Group has users of its own domain.
type Group struct {
	Ref
	Members []string
}

// Grant gives a role to a user or a group, on one of the rest.
type Grant struct {
	Role        Ref
	User, Group Ref

	Project   Ref
	Domain    string
	System    bool
	Inherited bool // below the project or domain, instead of on it
}

// AppCred is an application credential.
type AppCred struct {
	Name, Secret string
	User         User
	Project      Ref
	Roles        []string
	Rules        []object // what it may be used for; none: everything
}
