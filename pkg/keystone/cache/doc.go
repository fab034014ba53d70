// Package cache keeps tokens in files, so that not every kubectl call asks Keystone.
//
// There is one file per identity and scope, named by a hash of both. Only its owner
// may read it, it is replaced by rename, and a token is renewed under a lock: fifty
// processes that find none make one request. A file that cannot be read as it should
// be is as good as none.
package cache
