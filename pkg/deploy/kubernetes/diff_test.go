package kubernetes

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

func TestDiff(t *testing.T) {
	secret := func(data object) *unstructured.Unstructured {
		return &unstructured.Unstructured{Object: object{
			"apiVersion": "v1", "kind": "Secret", "data": data,
			"metadata": object{
				"name": "s", "resourceVersion": "1", "uid": "u", "managedFields": []any{},
				"annotations": object{annotationRun: "r", "kubectl.kubernetes.io/last-applied-configuration": "Y2FuYXJ5"},
			},
		}}
	}
	tests := []struct {
		name          string
		before, after *unstructured.Unstructured
	}{
		{"secret", secret(object{"same": "Y2FuYXJ5", "other": "Y2FuYXJ5MQ==", "gone": "Y2FuYXJ5"}), secret(object{"same": "Y2FuYXJ5", "other": "Y2FuYXJ5Mg==", "new": "Y2FuYXJ5"})},
		{"created", nil, secret(object{"key": "Y2FuYXJ5"})},
		{"deleted", secret(object{"key": "Y2FuYXJ5"}), nil},
		{"same", secret(object{"key": "Y2FuYXJ5"}), secret(object{"key": "Y2FuYXJ5"})},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := diff("secret/s", test.before, test.after)
			if err != nil {
				t.Fatal(err)
			}
			if strings.Contains(got, "Y2FuYXJ5") {
				t.Errorf("the data shows in %s", got)
			}
			golden(t, "diff/"+test.name+".diff", got)
		})
	}
}
