// Package pipeline runs an application's steps from source to running service
// and keeps the record of each run.
//
// A run is a directory with an append-only event log (JSON lines) and one
// text log per step. Everything that is known of a run is a fold over its
// events, so a reader needs no more than the files, also while the run is
// going on, and a run that was killed resumes from what its log says.
package pipeline
