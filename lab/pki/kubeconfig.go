//go:build linux

package pki

import (
	"encoding/base64"
	"fmt"
	"os"
	"path/filepath"

	"github.com/ystackdev/ystack/lab/process"
)

const kubeconfig = `apiVersion: v1
kind: Config
current-context: lab
contexts: [{name: lab, context: {cluster: lab, user: %[1]s}}]
clusters: [{name: lab, cluster: {server: "%[2]s", certificate-authority-data: %[3]s}}]
users: [{name: %[1]s, user: {client-certificate-data: %[4]s, client-key-data: %[5]s}}]
`

// Kubeconfig writes to file a kubeconfig for the client whose certificate in
// dir is called name. It holds the certificates themselves, so it can be
// copied elsewhere.
func Kubeconfig(file, dir, name, server string) error {
	var encoded [3]any
	for i, part := range []string{"ca.crt", name + ".crt", name + ".key"} {
		data, err := os.ReadFile(filepath.Join(dir, part))
		if err != nil {
			return err
		}
		encoded[i] = base64.StdEncoding.EncodeToString(data)
	}
	text := fmt.Sprintf(kubeconfig, append([]any{name, server}, encoded[:]...)...)
	return process.WriteFile(file, []byte(text), 0o600)
}
