// A plugin of the first contract in Go: joins its arguments and reverses the text, rune by rune.
//
// The component is made from a WASI preview 1 module, so the canonical ABI is written out by hand.
package main

import (
	"slices"
	"strings"
	"structs"
	"unsafe"
)

// text is a string as the canonical ABI lays it out; Go's own pointers have 64 bits.
type text struct {
	_        structs.HostLayout
	ptr, len uint32
}

// result is a result<string, string>.
type result struct {
	_     structs.HostLayout
	isErr uint32
	text  text
}

// arena holds the arguments of one call. They cannot come from Go's allocator: it may start a
// collection, which calls the host, and while the host writes arguments it must not be called.
var arena struct {
	_     [0]uint64 // for its alignment
	bytes [1 << 20]byte
}
var used uint32

// pinned keeps the result from the collector until the host has read it.
var pinned []any

//go:wasmexport run
func run(args *text, count uint32) *result {
	if count == 0 {
		return reply(1, "reverse TEXT...")
	}
	words := make([]string, count)
	for i, arg := range unsafe.Slice(args, count) {
		words[i] = unsafe.String((*byte)(unsafe.Pointer(uintptr(arg.ptr))), arg.len)
	}
	runes := []rune(strings.Join(words, " "))
	slices.Reverse(runes)
	return reply(0, string(runes))
}

func reply(isErr uint32, s string) *result {
	start := uintptr(unsafe.Pointer(unsafe.StringData(s)))
	r := &result{isErr: isErr, text: text{ptr: uint32(start), len: uint32(len(s))}}
	pinned = append(pinned, r, s)
	return r
}

//go:wasmexport cabi_post_run
func postRun(*result) {
	used = 0
	pinned = nil
}

//go:wasmexport cabi_realloc
func realloc(old unsafe.Pointer, oldSize, align, newSize uint32) unsafe.Pointer {
	start := (used + 7) &^ 7
	block := arena.bytes[start : start+newSize]
	used = start + newSize
	copy(block, unsafe.Slice((*byte)(old), oldSize))
	return unsafe.Pointer(unsafe.SliceData(block))
}

func main() {}
