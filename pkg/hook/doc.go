// Package hook is what a push sets off: a [Receiver] takes the deliveries of a code registry's
// hooks and has them in a [Journal] before it answers, a [Server] works them off, run by run, and
// tells the registry how each went.
//
// The journal is the only memory. All that happens to a delivery is an [Event] in it, and what is
// known of a delivery is what its events add up to; a server that was killed reads them and goes
// on where it stopped.
package hook
