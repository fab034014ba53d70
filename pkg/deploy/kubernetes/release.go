package kubernetes

import "github.com/ystackdev/ystack/pkg/app"

// Release is one image of one application, and how it is to run.
type Release struct {
	App      string // name of the application
	Image    string // repository@sha256:…
	Revision string // of the source
	Run      string // the pipeline run that deploys it, if any
	By       string // who deploys it
	Source   string // where the source is, without credentials

	Spec   app.ContainerDeploy
	Health *app.Health
	Dir    string // Spec.Manifests is relative to it
}
