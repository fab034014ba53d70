package login

import (
	"github.com/ystackdev/ystack/pkg/keystone"
)

// overrides are the pin's values for keystone.Load: all but the cloud's name.
func (p Pin) overrides() map[string]string {
	o := map[string]string{}
	for k, v := range p {
		if k != "cloud" && v != "" {
			o[k] = v
		}
	}
	return o
}

// configure loads the usual configuration. What is missing may be asked for later.
//
// Flags that name another user than the configuration does take none of its secrets
// along: --os-username bob must not send alice's password.
func (s *Service) configure(o keystone.LoadOptions) (*keystone.Config, error) {
	c, err := s.load(o)
	if err != nil {
		return nil, err
	}
	own := false
	for _, option := range user() {
		own = own || o.Overrides[option] != ""
	}
	if !own {
		return c, nil
	}
	plain := o
	plain.Overrides = nil
	base, err := s.load(plain)
	if err != nil || !sameUser(pinOf(base), pinOf(c)) {
		c.Password, c.Passcode, c.Token, c.ApplicationCredentialSecret = "", "", "", ""
	}
	return c, nil
}

// user lists the options that say who somebody is. Where Keystone is may be overridden:
// whoever names another address wants the password to go there.
func user() []string { return identity()[1:] }

// sameUser reports whether a's secrets are b's. What a leaves open does not count
// against it.
func sameUser(a, b Pin) bool {
	for _, o := range user() {
		if a[o] != "" && a[o] != b[o] {
			return false
		}
	}
	return true
}
