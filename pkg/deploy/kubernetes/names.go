package kubernetes

import (
	"encoding/json"

	"github.com/ystackdev/ystack/pkg/app"
	"github.com/ystackdev/ystack/pkg/deploy"
)

// fieldManager is the name under which the API server notes which fields are ours.
const fieldManager = "ystack-deploy-image"

// Labels of everything that is ours.
const (
	labelName      = "app.kubernetes.io/name"
	labelInstance  = "app.kubernetes.io/instance"
	labelManagedBy = "app.kubernetes.io/managed-by"
	labelComponent = "app.kubernetes.io/component"

	// labelHash is what the Deployment controller tells revisions by.
	labelHash = "pod-template-hash"

	managedBy = "ystack"
	component = "deploy-image"
)

// Annotations of workloads: the record of what runs there.
const (
	annotationPrefix      = "ystack.dev/"
	annotationImage       = annotationPrefix + "image"
	annotationRevision    = annotationPrefix + "revision"
	annotationRun         = annotationPrefix + "run"
	annotationSource      = annotationPrefix + "source"
	annotationBy          = annotationPrefix + "by"
	annotationApplication = annotationPrefix + "application"

	// annotationNumber is the Deployment controller's.
	annotationNumber = "deployment.kubernetes.io/revision"
	// annotationNumbers are those that a ReplicaSet had before, if it was gone back to.
	annotationNumbers = "deployment.kubernetes.io/revision-history"
	// annotationGeneration is the DaemonSet controller's.
	annotationGeneration = "deprecated.daemonset.template.generation"
)

// ownership are the labels by which an object is known as ours.
func ownership(app string) map[string]string {
	return map[string]string{labelManagedBy: managedBy, labelComponent: component, labelInstance: app}
}

// owned says whether labels are those of an object of ours, of the given application.
func owned(labels map[string]string, app string) bool {
	return ours(labels) && labels[labelInstance] == app
}

// ours says whether labels are those of an object of ours, of any application.
func ours(labels map[string]string) bool {
	return labels[labelManagedBy] == managedBy && labels[labelComponent] == component
}

// recipe is what the application annotation holds: all that is needed, besides
// the image, to deploy the same way again.
type recipe struct {
	Deploy app.ContainerDeploy `json:"deploy"`
	Health *app.Health         `json:"health,omitempty"`
}

// record gives the annotations that say what a workload is.
func record(r Release) (map[string]any, error) {
	recipe, err := json.Marshal(recipe{r.Spec, r.Health})
	if err != nil {
		return nil, err
	}
	annotations := map[string]any{}
	for key, value := range map[string]string{
		annotationImage:       r.Image,
		annotationRevision:    r.Revision,
		annotationRun:         r.Run,
		annotationSource:      r.Source,
		annotationBy:          r.By,
		annotationApplication: string(recipe),
	} {
		if value != "" {
			annotations[key] = value
		}
	}
	return annotations, nil
}

// recorded is the reverse of record: the release that annotations tell of.
func recorded(annotations map[string]string) (Release, error) {
	r := Release{Release: deploy.Release{
		Image:    annotations[annotationImage],
		Revision: annotations[annotationRevision],
		Run:      annotations[annotationRun],
		Source:   annotations[annotationSource],
		By:       annotations[annotationBy],
	}}
	var how recipe
	if err := json.Unmarshal([]byte(annotations[annotationApplication]), &how); err != nil {
		return Release{}, err
	}
	r.Spec, r.Health = how.Deploy, how.Health
	return r, nil
}
