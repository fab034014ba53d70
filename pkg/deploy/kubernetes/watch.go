package kubernetes

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/dynamic"

	"github.com/ystackdev/ystack/pkg/deploy"
)

// source is something to be followed: the objects of a kind that fit options.
type source struct {
	resource schema.GroupVersionResource
	api      dynamic.ResourceInterface
	options  metav1.ListOptions
}

// news is what a source has to tell.
type news struct {
	resource schema.GroupVersionResource
	all      []unstructured.Unstructured // with full: everything there is
	full     bool
	one      *unstructured.Unstructured // otherwise: what changed
	deleted  bool
	err      error // the connection is lost for now, or the source cannot be had
}

// retryDelay is how long a lost connection rests before it is tried again.
const retryDelay = time.Second

// follow lists, watches, and lists again when the watch cannot go on, until
// ctx ends or the user turns out not to be allowed to.
func (s source) follow(ctx context.Context, tell func(news)) {
	for ctx.Err() == nil {
		list, err := s.api.List(ctx, s.options)
		if err != nil {
			tell(news{resource: s.resource, err: err})
			if apierrors.IsForbidden(err) || apierrors.IsUnauthorized(err) {
				return
			}
			_ = deploy.Pause(ctx, retryDelay)
			continue
		}
		tell(news{resource: s.resource, all: list.Items, full: true})
		if err := s.watch(ctx, list.GetResourceVersion(), tell); err != nil && ctx.Err() == nil {
			tell(news{resource: s.resource, err: err})
			if apierrors.IsForbidden(err) {
				return
			}
			_ = deploy.Pause(ctx, retryDelay)
		}
	}
}

// watch follows changes from a version on, over as many connections as it
// takes; the server ends each after some minutes. It returns nil when that
// version is too old, and everything has to be listed again.
func (s source) watch(ctx context.Context, version string, tell func(news)) error {
	for ctx.Err() == nil {
		options := s.options
		options.ResourceVersion, options.AllowWatchBookmarks = version, true
		stream, err := s.api.Watch(ctx, options)
		if apierrors.IsResourceExpired(err) || apierrors.IsGone(err) {
			return nil
		}
		if err != nil {
			return err
		}
		var again bool
		version, again = s.read(ctx, stream, version, tell)
		stream.Stop()
		if !again {
			return nil
		}
	}
	return nil
}

// read passes on what a connection brings, until it ends. It returns the last
// version seen, and whether the watch can go on from there.
func (s source) read(ctx context.Context, stream watch.Interface, version string, tell func(news)) (string, bool) {
	quick := time.Now()
	for event := range stream.ResultChan() {
		u, ok := event.Object.(*unstructured.Unstructured)
		if !ok || event.Type == watch.Error {
			return version, false
		}
		version = u.GetResourceVersion()
		switch event.Type {
		case watch.Added, watch.Modified:
			tell(news{resource: s.resource, one: u})
		case watch.Deleted:
			tell(news{resource: s.resource, one: u, deleted: true})
		}
	}
	if time.Since(quick) < retryDelay {
		// A connection that ends at once would otherwise be opened in a tight loop.
		_ = deploy.Pause(ctx, retryDelay)
	}
	return version, true
}
