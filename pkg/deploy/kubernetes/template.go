package kubernetes

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// templateHash tells one pod template from another.
func templateHash(u *unstructured.Unstructured) string {
	template, ok, err := unstructured.NestedFieldNoCopy(u.Object, "spec", "template")
	if err != nil || !ok {
		return ""
	}
	content, err := json.Marshal(template)
	if err != nil {
		return ""
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}
