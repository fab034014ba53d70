// Package tui shows on a terminal, live, what the other verbs show one by one: runs,
// the cluster, tenants, the network and the cloud.
//
// The model is pure: [Model.Update] takes a message and [Model.View] makes a frame of
// what is known. Whatever waits (for an API server, a file, a log) runs in a source, a
// goroutine outside that sends messages and fails and recovers by itself, so that the
// first frame is there before anything was asked, and what is dead blocks nothing else.
package tui
