package hook

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"hash/crc32"
	"io"
)

// A line of the journal is the CRC-32C of an event in hexadecimal, a space, the event in JSON and
// a line feed. People can read it, and what a crash or a disk has torn is told from what is whole.

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const crcDigits = 8

// maxLine is more than any event takes; what is longer is no event.
const maxLine = 1 << 20

func appendFrame(out []byte, e Event) ([]byte, error) {
	data, err := json.Marshal(e)
	if err != nil {
		return out, err
	}
	sum := crc32.Checksum(data, castagnoli)
	out = hex.AppendEncode(out, []byte{byte(sum >> 24), byte(sum >> 16), byte(sum >> 8), byte(sum)})
	out = append(out, ' ')
	out = append(out, data...)
	return append(out, '\n'), nil
}

func parseFrame(line []byte) (e Event, ok bool) {
	if len(line) < crcDigits+2 || line[crcDigits] != ' ' {
		return e, false
	}
	var sum [crcDigits / 2]byte
	if _, err := hex.Decode(sum[:], line[:crcDigits]); err != nil {
		return e, false
	}
	data := line[crcDigits+1:]
	want := uint32(sum[0])<<24 | uint32(sum[1])<<16 | uint32(sum[2])<<8 | uint32(sum[3])
	if crc32.Checksum(data, castagnoli) != want {
		return e, false
	}
	return e, json.Unmarshal(data, &e) == nil && e.Kind != ""
}

// readFrames calls each with every whole event. end is where the last line ended: what follows is
// the beginning of a line that a crash cut short. damaged counts the lines that are no events.
func readFrames(r io.Reader, each func(Event)) (end int64, damaged int, err error) {
	in := bufio.NewReaderSize(r, 64<<10)
	for {
		line, long, err := readLine(in)
		if errors.Is(err, io.EOF) {
			return end, damaged, nil
		}
		if err != nil {
			return end, damaged, err
		}
		end += int64(len(line)) + long + 1
		if e, ok := parseFrame(line); ok && long == 0 {
			each(e)
		} else {
			damaged++
		}
	}
}

// readLine returns a line without its end, and by how much it is longer than a line may be. A last
// line without an end is io.EOF.
func readLine(in *bufio.Reader) (line []byte, long int64, err error) {
	for {
		part, err := in.ReadSlice('\n')
		if err != nil && !errors.Is(err, bufio.ErrBufferFull) {
			return nil, 0, err
		}
		whole := err == nil
		if whole {
			part = part[:len(part)-1]
		}
		if room := maxLine - len(line); len(part) > room {
			long += int64(len(part) - room)
			part = part[:room]
		}
		line = append(line, bytes.Clone(part)...)
		if whole {
			return line, long, nil
		}
	}
}
