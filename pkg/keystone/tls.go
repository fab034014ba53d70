package keystone

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"os"
)

// tlsSettings are those that the configuration asks for.
func tlsSettings(c *Config) (*tls.Config, error) {
	settings := &tls.Config{MinVersion: tls.VersionTLS12, InsecureSkipVerify: c.Insecure} //nolint:gosec // the user says so
	if c.CACert != "" && !c.Insecure {
		pem, err := os.ReadFile(c.CACert)
		if err != nil {
			return nil, &ConfigError{c.Origin["cacert"], "cacert", err.Error()}
		}
		settings.RootCAs = x509.NewCertPool()
		if !settings.RootCAs.AppendCertsFromPEM(pem) {
			return nil, &ConfigError{c.Origin["cacert"], "cacert", c.CACert + " holds no certificate in PEM format"}
		}
	}
	if c.Cert != "" {
		key := c.Key
		if key == "" {
			key = c.Cert // one file may hold both
		}
		pair, err := tls.LoadX509KeyPair(c.Cert, key)
		if err != nil {
			return nil, &ConfigError{c.Origin["cert"], "cert", fmt.Sprintf("cannot use the client certificate of %s with the key of %s: %v", c.Cert, key, err)}
		}
		settings.Certificates = []tls.Certificate{pair}
	}
	return settings, nil
}
