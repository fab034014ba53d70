//go:build linux

package catalog

import "github.com/ystackdev/ystack/lab/service"

const etcdURL = "http://127.0.0.1:2379"

func etcd() *service.Service {
	const peerURL = "http://127.0.0.1:2380"
	return &service.Service{
		Name:    "etcd",
		Needs:   []string{service.NodeName},
		Address: etcdURL,
		Builds:  []string{"etcd"},
		Command: func(l *service.Lab) []string {
			return []string{
				l.Bin("etcd"), "--data-dir=" + l.State("etcd"),
				"--listen-client-urls=" + etcdURL, "--advertise-client-urls=" + etcdURL,
				"--listen-peer-urls=" + peerURL, "--initial-advertise-peer-urls=" + peerURL, "--initial-cluster=default=" + peerURL,
			}
		},
		Ready: answers(etcdURL + "/readyz"),
	}
}
