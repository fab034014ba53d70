package kube

import "k8s.io/apimachinery/pkg/runtime/schema"

// Usual lists the kinds that applications usually consist of, in the order in
// which they have to be there: what others refer to comes first.
func Usual() []Resource {
	return []Resource{
		cluster("", "v1", "namespaces", "Namespace"),
		namespaced("", "v1", "resourcequotas", "ResourceQuota"),
		namespaced("", "v1", "limitranges", "LimitRange"),
		namespaced("", "v1", "serviceaccounts", "ServiceAccount"),
		namespaced("", "v1", "secrets", "Secret"),
		namespaced("", "v1", "configmaps", "ConfigMap"),
		namespaced("", "v1", "persistentvolumeclaims", "PersistentVolumeClaim"),
		cluster("rbac.authorization.k8s.io", "v1", "clusterroles", "ClusterRole"),
		cluster("rbac.authorization.k8s.io", "v1", "clusterrolebindings", "ClusterRoleBinding"),
		namespaced("rbac.authorization.k8s.io", "v1", "roles", "Role"),
		namespaced("rbac.authorization.k8s.io", "v1", "rolebindings", "RoleBinding"),
		namespaced("networking.k8s.io", "v1", "networkpolicies", "NetworkPolicy"),
		namespaced("", "v1", "services", "Service"),
		namespaced("policy", "v1", "poddisruptionbudgets", "PodDisruptionBudget"),
		namespaced("", "v1", "pods", "Pod"),
		namespaced("apps", "v1", "deployments", "Deployment"),
		namespaced("apps", "v1", "statefulsets", "StatefulSet"),
		namespaced("apps", "v1", "daemonsets", "DaemonSet"),
		namespaced("batch", "v1", "jobs", "Job"),
		namespaced("batch", "v1", "cronjobs", "CronJob"),
		namespaced("autoscaling", "v2", "horizontalpodautoscalers", "HorizontalPodAutoscaler"),
		namespaced("networking.k8s.io", "v1", "ingresses", "Ingress"),
	}
}

func usual(kind schema.GroupVersionKind) (Resource, bool) {
	for _, r := range Usual() {
		if r.Kind == kind.Kind && r.Group == kind.Group && r.Version == kind.Version {
			return r, true
		}
	}
	return Resource{}, false
}

func namespaced(group, version, resource, kind string) Resource {
	r := cluster(group, version, resource, kind)
	r.Namespaced = true
	return r
}

func cluster(group, version, resource, kind string) Resource {
	return Resource{schema.GroupVersionResource{Group: group, Version: version, Resource: resource}, kind, false}
}
