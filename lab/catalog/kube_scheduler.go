//go:build linux

package catalog

import "github.com/ystackdev/ystack/lab/service"

func kubeScheduler() *service.Service {
	const url = "https://127.0.0.1:10259"
	return &service.Service{
		Name:    "kube-scheduler",
		Needs:   []string{"kube-apiserver"},
		Address: url,
		Builds:  []string{"kubernetes"},
		Command: func(l *service.Lab) []string {
			me := l.Etc("kube-scheduler.kubeconfig")
			return []string{
				l.Bin("kube-scheduler"), "--kubeconfig=" + me, "--authentication-kubeconfig=" + me, "--authorization-kubeconfig=" + me,
				"--bind-address=127.0.0.1", "--secure-port=10259", "--leader-elect=false",
			}
		},
		Ready: answers(url + "/healthz"),
	}
}
