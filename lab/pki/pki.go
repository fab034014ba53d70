//go:build linux

// Package pki makes the certificates of the lab's cluster: one authority, and
// a key pair for each server and each client of it.
package pki

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"time"

	"github.com/ystackdev/ystack/lab/process"
)

const lifetime = 10 * 365 * 24 * time.Hour

// Leaf describes a certificate. It serves as a server's when it has names.
type Leaf struct {
	Name   string // of its files: NAME.crt and NAME.key
	User   string // common name
	Groups []string
	Names  []string // DNS names and addresses
}

// Ensure makes what is missing in dir, or about to expire: the authority (ca),
// the leaves, and a key to sign service account tokens with (sa).
func Ensure(dir string, leaves []Leaf) error {
	ca, key, err := authority(dir)
	if err != nil {
		return err
	}
	if _, err := loadKey(filepath.Join(dir, "sa.key")); err != nil {
		if err := newServiceAccountKey(dir); err != nil {
			return err
		}
	}
	for _, leaf := range leaves {
		if err := ensureLeaf(dir, ca, key, leaf); err != nil {
			return fmt.Errorf("certificate %s: %w", leaf.Name, err)
		}
	}
	return nil
}

func authority(dir string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	cert, key, err := load(dir, "ca")
	if err == nil {
		return cert, key, nil
	}
	t := template("ystack-lab-ca")
	t.IsCA, t.BasicConstraintsValid = true, true
	t.KeyUsage |= x509.KeyUsageCertSign
	if err := issue(dir, "ca", t, nil, nil); err != nil {
		return nil, nil, err
	}
	return load(dir, "ca")
}

func ensureLeaf(dir string, ca *x509.Certificate, caKey *ecdsa.PrivateKey, leaf Leaf) error {
	if cert, _, err := load(dir, leaf.Name); err == nil && cert.CheckSignatureFrom(ca) == nil {
		return nil
	}
	t := template(leaf.User)
	t.Subject.Organization = leaf.Groups
	t.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}
	if len(leaf.Names) > 0 {
		t.ExtKeyUsage = append(t.ExtKeyUsage, x509.ExtKeyUsageServerAuth)
	}
	for _, name := range leaf.Names {
		if ip := net.ParseIP(name); ip != nil {
			t.IPAddresses = append(t.IPAddresses, ip)
		} else {
			t.DNSNames = append(t.DNSNames, name)
		}
	}
	return issue(dir, leaf.Name, t, ca, caKey)
}

func template(user string) *x509.Certificate {
	serial, _ := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: user},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(lifetime),
		KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

// issue writes the key before the certificate: load trusts a pair only when
// both are there.
func issue(dir, name string, t, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	if parent == nil {
		parent, parentKey = t, key
	}
	der, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, parentKey)
	if err != nil {
		return err
	}
	if err := writeKey(filepath.Join(dir, name+".key"), key); err != nil {
		return err
	}
	return writePEM(filepath.Join(dir, name+".crt"), "CERTIFICATE", der, 0o644)
}

func newServiceAccountKey(dir string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	public, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(dir, "sa.pub"), "PUBLIC KEY", public, 0o644); err != nil {
		return err
	}
	return writeKey(filepath.Join(dir, "sa.key"), key)
}

func writeKey(file string, key *ecdsa.PrivateKey) error {
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return err
	}
	return writePEM(file, "EC PRIVATE KEY", der, 0o600)
}

func writePEM(file, kind string, der []byte, mode os.FileMode) error {
	return process.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), mode)
}

var errUnusable = errors.New("missing, damaged or about to expire")

func load(dir, name string) (*x509.Certificate, *ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(filepath.Join(dir, name+".crt"))
	if err != nil {
		return nil, nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, nil, errUnusable
	}
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil || time.Until(cert.NotAfter) < 30*24*time.Hour {
		return nil, nil, errUnusable
	}
	key, err := loadKey(filepath.Join(dir, name+".key"))
	if err != nil || !key.PublicKey.Equal(cert.PublicKey) {
		return nil, nil, errUnusable
	}
	return cert, key, nil
}

func loadKey(file string) (*ecdsa.PrivateKey, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	block, _ := pem.Decode(data)
	if block == nil {
		return nil, errUnusable
	}
	return x509.ParseECPrivateKey(block.Bytes)
}
