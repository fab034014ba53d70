package keystone

// Config says where Keystone is and who logs in how: what clouds.yaml, secure.yaml,
// OS_* variables and flags come to. Its fields are named as openstackclient's options.
type Config struct {
	// Cloud is its name in clouds.yaml, empty when the environment alone says all.
	Cloud string

	AuthURL string
	// AuthType is one of the Auth constants, whatever the spelling it was given in.
	AuthType string
	// AuthMethods are those of AuthMultiFactor: v3password, v3totp, v3token …
	AuthMethods []string

	Username, UserID             string
	UserDomainName, UserDomainID string

	Password Secret
	Passcode Secret // of TOTP
	Token    Secret

	ApplicationCredentialID, ApplicationCredentialName string
	ApplicationCredentialSecret                        Secret

	Scope Scope

	Region    string
	Interface string            // public, internal or admin
	Endpoints map[string]string // overrides by service type, as identity

	CACert, Cert, Key string // paths
	Insecure          bool

	// Origin tells where a value came from: a file with line and column, a variable or a
	// flag. Its keys are openstackclient's names of the fields, as project_name.
	Origin map[string]string
}

// Scope is what a token is good for. The zero Scope leaves it to Keystone: the user's
// default project if there is one, else nothing. Where there are an id and a name, the
// id counts.
type Scope struct {
	ProjectID, ProjectName             string
	ProjectDomainID, ProjectDomainName string
	DomainID, DomainName               string
	System                             bool
	// Unscoped asks for a token that is good for no project, the default one included.
	Unscoped bool
}
