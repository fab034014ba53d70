package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"io"
)

// errIncomplete: an element lacks something that all of its kind have.
var errIncomplete = errors.New("an element lacks its id, or what else it must have")

// list gets a collection, one element at a time: an answer with 100,000 assignments has
// 40 MB.
func list[T any](ctx context.Context, r *reader, q question, key string, decode func(*json.Decoder) (T, error)) ([]T, error) {
	var all []T
	err := r.ask(ctx, q, func(body io.Reader) error {
		all = nil
		return q.decodeList(json.NewDecoder(body), key, func(d *json.Decoder) error {
			element, err := decode(d)
			all = append(all, element)
			return err
		})
	})
	return all, err
}

// single gets one thing: {"key": …}.
func single[T any](ctx context.Context, r *reader, q question, key string, decode func(*json.Decoder) (T, error)) (T, error) {
	var one T
	err := r.ask(ctx, q, func(body io.Reader) error {
		d, found := json.NewDecoder(body), false
		err := object(d, func(name string) (err error) {
			if name != key {
				return skip(d)
			}
			found = true
			one, err = decode(d)
			return err
		})
		if err == nil && !found {
			return q.partial("the answer has no %s; is this a Keystone?", key)
		}
		return q.strange(err, key)
	})
	return one, err
}

// decodeList reads {"key": [element…], "links": {"next": null}, "truncated": false}, in
// any order, and makes sure that it is all of that.
func (q question) decodeList(d *json.Decoder, key string, element func(*json.Decoder) error) error {
	found := false
	err := object(d, func(name string) error {
		switch name {
		case key:
			found = true
			return array(d, element)
		case "truncated":
			return q.notTruncated(d)
		case "links":
			return q.onePage(d)
		}
		return skip(d)
	})
	switch {
	case err != nil:
		return q.strange(err, key)
	case !found:
		return q.partial("the answer has no %s; is this a Keystone?", key)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return q.strange(errNotJSON, key)
	}
	return nil
}

func (q question) notTruncated(d *json.Decoder) error {
	var truncated bool
	if err := d.Decode(&truncated); err != nil {
		return err
	}
	if truncated {
		return q.partial("Keystone sends only a part of the list; raise list_limit in its configuration, or take it out")
	}
	return nil
}

func (q question) onePage(d *json.Decoder) error {
	var links struct {
		Next string `json:"next"`
	}
	if err := d.Decode(&links); err != nil {
		return err
	}
	if links.Next != "" {
		return q.partial("the answer is the first of several pages, which Keystone does not do; what is in between?")
	}
	return nil
}

var errNotJSON = errors.New("not one JSON object")

// strange leaves errors alone that say what is wrong, and words those of the decoder.
func (q question) strange(err error, key string) error {
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	if errors.As(err, &syntax) || errors.As(err, &kind) || errors.Is(err, errNotJSON) {
		return q.partial("the answer is not %s in whole JSON; is this a Keystone, and nothing in between?", key)
	}
	if errors.Is(err, errIncomplete) {
		return q.partial("%v", err)
	}
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// object hands out the names of a JSON object; field must read the value.
func object(d *json.Decoder, field func(name string) error) error {
	if err := delim(d, '{'); err != nil {
		return err
	}
	for d.More() {
		name, err := d.Token()
		if err != nil {
			return err
		}
		if err := field(name.(string)); err != nil { //nolint:forcetypeassert // the decoder has made sure
			return err
		}
	}
	return delim(d, '}')
}

func skip(d *json.Decoder) error {
	var other json.RawMessage
	return d.Decode(&other)
}

func array(d *json.Decoder, element func(*json.Decoder) error) error {
	if err := delim(d, '['); err != nil {
		return err
	}
	for d.More() {
		if err := element(d); err != nil {
			return err
		}
	}
	return delim(d, ']')
}

func delim(d *json.Decoder, want json.Delim) error {
	token, err := d.Token()
	if err != nil {
		return err
	}
	if token != want {
		return errNotJSON
	}
	return nil
}
