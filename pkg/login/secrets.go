package login

import (
	"errors"
	"slices"
	"strings"

	"github.com/ystackdev/ystack/pkg/keystone"
)

// config is the configuration of a pin: identity and scope are the pin's, secrets come
// from wherever they are kept for exactly this identity.
func (s *Service) config(p Pin) (*keystone.Config, error) {
	c := &keystone.Config{
		Cloud: p["cloud"], AuthURL: p["auth_url"], AuthType: p["auth_type"],
		Username: p["username"], UserID: p["user_id"],
		UserDomainName: p["user_domain_name"], UserDomainID: p["user_domain_id"],
		ApplicationCredentialID: p["application_credential_id"], ApplicationCredentialName: p["application_credential_name"],
		Scope:  p.Scope(),
		CACert: p["cacert"], Cert: p["cert"], Key: p["key"], Insecure: p["insecure"] == "true",
		Origin: map[string]string{},
	}
	if p["auth_methods"] != "" {
		c.AuthMethods = strings.Split(p["auth_methods"], ",")
	}
	if p["cloud"] != "" {
		if err := s.fromCloud(c, p); err != nil {
			return nil, err
		}
	}
	s.fromEnvironment(c, p)
	return c, nil
}

// fromCloud takes the connection's settings from clouds.yaml, and the secrets if they
// are this identity's.
func (s *Service) fromCloud(c *keystone.Config, p Pin) error {
	files, err := s.load(keystone.LoadOptions{Cloud: p["cloud"], Getenv: s.filesOnly, Dir: s.Dir})
	if err != nil {
		return err
	}
	c.Insecure = c.Insecure || files.Insecure
	c.CACert = first(c.CACert, files.CACert)
	if c.Cert == "" {
		c.Cert, c.Key = files.Cert, files.Key
	}
	if pinOf(files).Login() == p.Login() {
		c.Password, c.Passcode, c.Token = files.Password, files.Passcode, files.Token
		c.ApplicationCredentialSecret = files.ApplicationCredentialSecret
		c.Origin = files.Origin
	}
	return nil
}

// load is keystone.Load that is content with an incomplete configuration.
func (s *Service) load(o keystone.LoadOptions) (*keystone.Config, error) {
	c, err := keystone.Load(o)
	var incomplete *keystone.IncompleteError
	if errors.As(err, &incomplete) && incomplete.Config != nil {
		return incomplete.Config, nil
	}
	return c, err
}

// filesOnly is the environment without what says who somebody is.
func (s *Service) filesOnly(name string) string {
	if strings.HasPrefix(name, "OS_") && !strings.HasPrefix(name, "OS_CLIENT_") {
		return ""
	}
	return s.Getenv(name)
}

// fromEnvironment takes secrets from OS_* variables, unless the others of them are
// about somebody else: after `source openrc` of another user or cloud, none of them is
// touched.
func (s *Service) fromEnvironment(c *keystone.Config, p Pin) {
	if s.Getenv("OS_CLOUD") != "" && s.Getenv("OS_CLOUD") != p["cloud"] || s.conflict(p) != "" {
		return
	}
	for variable, field := range map[string]*keystone.Secret{
		"OS_PASSWORD": &c.Password, "OS_PASSCODE": &c.Passcode, "OS_TOKEN": &c.Token,
		"OS_APPLICATION_CREDENTIAL_SECRET": &c.ApplicationCredentialSecret,
	} {
		if v := s.Getenv(variable); v != "" {
			*field = keystone.Secret(v)
			c.Origin[strings.ToLower(strings.TrimPrefix(variable, "OS_"))] = variable
		}
	}
}

// conflict names the OS_* variable that is about another identity than the pin's.
func (s *Service) conflict(p Pin) string {
	for _, o := range identity() {
		variable := "OS_" + strings.ToUpper(o)
		v := s.Getenv(variable)
		if o == "auth_url" {
			v = strings.TrimRight(v, "/")
		}
		if v != "" && v != p[o] {
			return variable
		}
	}
	return ""
}

// missing lists what the configuration lacks to authenticate, by openstackclient's
// names. A project is chosen from those that there are.
func missing(c *keystone.Config) []string {
	return slices.DeleteFunc(c.Missing(), func(name string) bool { return name == "project_domain_name" })
}

// passcodes reports whether the configuration wants a code that is good only once.
func passcodes(c *keystone.Config) bool {
	return c.AuthType == keystone.AuthTOTP || c.AuthType == keystone.AuthMultiFactor
}
