package nova

import "sort"

// decision is what becomes of servers, by what was seen of them.
type decision struct {
	keep    map[int]server // by ordinal: of the generation, well or on their way to it
	create  []int          // ordinals
	rebuild []server       // to be made of the image again, in place
	first   []server       // broken, and in the way of those that are made
	last    []server       // these go once all others are well
}

// decide takes what is of the generation already, for that is how a deployment that was
// broken off is gone on with. What is there twice goes.
func decide(generation string, count int, inPlace bool, servers []server) decision {
	d := decision{keep: map[int]server{}}
	taken := map[int]bool{}
	for _, s := range preferred(generation, servers) {
		is := s.record.Generation == generation
		switch {
		case s.going() || s.ordinal < 0 || s.ordinal >= count || taken[s.ordinal]:
			d.last = append(d.last, s)
		case is && s.Status != statusError:
			d.keep[s.ordinal], taken[s.ordinal] = s, true
		case inPlace && s.Launched != "":
			d.rebuild = append(d.rebuild, s)
			taken[s.ordinal] = true
		case is || inPlace:
			d.first = append(d.first, s)
		default:
			d.last = append(d.last, s)
		}
	}
	for n := range count {
		if !taken[n] {
			d.create = append(d.create, n)
		}
	}
	return d
}

// preferred sorts servers: of two with one ordinal the first is kept.
func preferred(generation string, servers []server) []server {
	rank := func(s server) int {
		switch {
		case s.Status == statusError:
			return 2
		case s.record.Generation != generation:
			return 1
		}
		return 0
	}
	sorted := append([]server(nil), servers...)
	sort.Slice(sorted, func(i, j int) bool {
		a, b := sorted[i], sorted[j]
		if ra, rb := rank(a), rank(b); ra != rb {
			return ra < rb
		}
		if a.ordinal != b.ordinal {
			return a.ordinal < b.ordinal
		}
		if !a.Created.Equal(b.Created) {
			return a.Created.Before(b.Created)
		}
		return a.ID < b.ID
	})
	return sorted
}
