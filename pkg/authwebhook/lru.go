package authwebhook

import (
	"container/list"
	"sync"
	"time"
)

// key stands for a token: an HMAC of it under a key of this process, so that a dump of
// the memory shows no token that is not being looked at right now.
type key [32]byte

// lru remembers at most size values, each until its time; beyond that the one that was
// not asked for longest is forgotten.
type lru[V any] struct {
	size int

	mu    sync.Mutex
	order *list.List // of *entry[V], the latest first
	byKey map[key]*list.Element
}

type entry[V any] struct {
	key   key
	value V
	until time.Time
}

func newLRU[V any](size int) *lru[V] {
	return &lru[V]{size: size, order: list.New(), byKey: map[key]*list.Element{}}
}

func (c *lru[V]) get(k key, now time.Time) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	el, ok := c.byKey[k]
	if !ok {
		return value, false
	}
	e := el.Value.(*entry[V])
	if !now.Before(e.until) {
		c.drop(el)
		return value, false
	}
	c.order.MoveToFront(el)
	return e.value, true
}

func (c *lru[V]) put(k key, value V, until time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.byKey[k]; ok {
		c.drop(el)
	}
	c.byKey[k] = c.order.PushFront(&entry[V]{k, value, until})
	if c.order.Len() > c.size {
		c.drop(c.order.Back())
	}
}

// update changes a value in place, if it is still there.
func (c *lru[V]) update(k key, change func(*V)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.byKey[k]; ok {
		change(&el.Value.(*entry[V]).value)
	}
}

func (c *lru[V]) remove(k key) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if el, ok := c.byKey[k]; ok {
		c.drop(el)
	}
}

func (c *lru[V]) drop(el *list.Element) {
	delete(c.byKey, c.order.Remove(el).(*entry[V]).key)
}

func (c *lru[V]) len() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.order.Len()
}
