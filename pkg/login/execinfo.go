package login

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"time"
)

// ErrExecInfo says that KUBERNETES_EXEC_INFO is not what kubectl puts there.
var ErrExecInfo = errors.New("KUBERNETES_EXEC_INFO")

// execGroup is the API group of credential plugins.
const execGroup = "client.authentication.k8s.io/"

// ExecInfo is what kubectl tells a credential plugin.
type ExecInfo struct {
	// APIVersion is the version that the answer must have.
	APIVersion string
	// Interactive says that the plugin may ask the user.
	Interactive bool
	// Given says that kubectl called; otherwise it was a person.
	Given bool
}

// ParseExecInfo reads KUBERNETES_EXEC_INFO. Empty, it was a person who called, and v1 will do.
// Fields that this version does not know are passed over, as a newer kubectl may send them.
func ParseExecInfo(s string) (ExecInfo, error) {
	if s == "" {
		return ExecInfo{APIVersion: execGroup + "v1", Interactive: true}, nil
	}
	var info struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Spec       struct {
			Interactive bool `json:"interactive"`
		} `json:"spec"`
	}
	dec := json.NewDecoder(bytes.NewReader([]byte(s)))
	if err := dec.Decode(&info); err != nil {
		return ExecInfo{}, fmt.Errorf("%w is not the JSON that kubectl sets: %w; unset it to call keystone-token by hand", ErrExecInfo, err)
	}
	if _, err := dec.Token(); !errors.Is(err, io.EOF) {
		return ExecInfo{}, fmt.Errorf("%w: something follows the JSON object; unset it to call keystone-token by hand", ErrExecInfo)
	}
	if info.Kind != "ExecCredential" {
		return ExecInfo{}, fmt.Errorf("%w: kind %q is not ExecCredential", ErrExecInfo, info.Kind)
	}
	if info.APIVersion != execGroup+"v1" && info.APIVersion != execGroup+"v1beta1" {
		return ExecInfo{}, fmt.Errorf("%w: apiVersion %q is neither %sv1 nor %sv1beta1; set exec.apiVersion of the user in the kubeconfig to %sv1",
			ErrExecInfo, info.APIVersion, execGroup, execGroup, execGroup)
	}
	return ExecInfo{APIVersion: info.APIVersion, Interactive: info.Spec.Interactive, Given: true}, nil
}

// Write answers kubectl with a token.
func (e ExecInfo) Write(w io.Writer, c Credential) error {
	type status struct {
		Expires string `json:"expirationTimestamp"`
		Token   string `json:"token"`
	}
	return json.NewEncoder(w).Encode(struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
		Status     status `json:"status"`
	}{e.APIVersion, "ExecCredential", status{c.Expires.UTC().Format(time.RFC3339), c.Token.Reveal()}})
}
