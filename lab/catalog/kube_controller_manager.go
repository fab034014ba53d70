//go:build linux

package catalog

import (
	"context"

	"github.com/ystackdev/ystack/lab/service"
)

func kubeControllerManager() *service.Service {
	const url = "https://127.0.0.1:10257"
	return &service.Service{
		Name:    "kube-controller-manager",
		Needs:   []string{"kube-apiserver"},
		Address: url,
		Builds:  []string{"kubernetes"},
		Command: func(l *service.Lab) []string {
			me, pki := l.Etc("kube-controller-manager.kubeconfig"), l.Etc("pki")
			return []string{
				l.Bin("kube-controller-manager"), "--kubeconfig=" + me, "--authentication-kubeconfig=" + me, "--authorization-kubeconfig=" + me,
				"--bind-address=127.0.0.1", "--secure-port=10257", "--leader-elect=false", "--use-service-account-credentials",
				"--service-account-private-key-file=" + pki + "/sa.key", "--root-ca-file=" + pki + "/ca.crt",
				"--cluster-signing-cert-file=" + pki + "/ca.crt", "--cluster-signing-key-file=" + pki + "/ca.key",
			}
		},
		// A pod can be made once its namespace has the default ServiceAccount.
		Ready: func(ctx context.Context, l *service.Lab) error {
			if _, err := get(ctx, l, url+"/healthz"); err != nil {
				return err
			}
			_, err := get(ctx, l, apiURL+"/api/v1/namespaces/default/serviceaccounts/default")
			return err
		},
	}
}
