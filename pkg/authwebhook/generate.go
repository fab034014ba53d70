package authwebhook

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"
)

// How long generated certificates last. The authority signs anew what the webhook serves,
// so the API servers' kubeconfig stays.
const (
	authorityLife = 10 * 365 * 24 * time.Hour
	servingLife   = 2 * 365 * 24 * time.Hour
)

// generateCerts makes an authority and a serving certificate: ca.crt, ca.key, tls.crt, tls.key.
func generateCerts(serverName string, now time.Time) ([]File, error) {
	authority := &x509.Certificate{
		Subject: pkix.Name{CommonName: name + "-ca"}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(authorityLife),
		IsCA: true, BasicConstraintsValid: true, MaxPathLenZero: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
	}
	authorityKey, ca, err := issue("ca", authority, nil, nil)
	if err != nil {
		return nil, err
	}
	serving := &x509.Certificate{
		Subject: pkix.Name{CommonName: serverName}, NotBefore: now.Add(-time.Hour), NotAfter: now.Add(servingLife),
		DNSNames: []string{serverName}, KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}
	if serverName == "localhost" {
		serving.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	}
	_, leaf, err := issue("tls", serving, authority, authorityKey)
	return append(ca, leaf...), err
}

// issue makes a key and a certificate, by parent or by itself.
func issue(file string, t, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, []File, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	if parent == nil {
		parent, parentKey = t, key
	}
	if t.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120)); err != nil {
		return nil, nil, err
	}
	cert, err := x509.CreateCertificate(rand.Reader, t, parent, &key.PublicKey, parentKey)
	if err != nil {
		return nil, nil, err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return nil, nil, err
	}
	return key, []File{
		{file + ".crt", pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert}), 0o644},
		{file + ".key", pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret}), 0o600},
	}, nil
}
