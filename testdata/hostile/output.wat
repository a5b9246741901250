;; Writes to standard output without end.
(component
  (import "wasi:io/error@0.2.0" (instance $errors (export "error" (type (sub resource)))))
  (alias export $errors "error" (type $error))
  (import "wasi:io/streams@0.2.0" (instance $streams
    (alias outer 1 $error (type $outer))
    (export "error" (type $error (eq $outer)))
    (export "output-stream" (type $output (sub resource)))
    (type $failure (variant (case "last-operation-failed" (own $error)) (case "closed")))
    (export "stream-error" (type $stream-error (eq $failure)))
    (export "[method]output-stream.blocking-write-and-flush"
      (func (param "self" (borrow $output)) (param "contents" (list u8))
        (result (result (error $stream-error)))))))
  (alias export $streams "output-stream" (type $output))
  (import "wasi:cli/stdout@0.2.0" (instance $stdout
    (alias outer 1 $output (type $outer))
    (export "output-stream" (type $output (eq $outer)))
    (export "get-stdout" (func (result (own $output))))))
  (core module $memory (memory (export "memory") 1))
  (core instance $store (instantiate $memory))
  (core func $get (canon lower (func $stdout "get-stdout")))
  (core func $write
    (canon lower (func $streams "[method]output-stream.blocking-write-and-flush")
      (memory $store "memory")))
  (core module $m
    (import "host" "get" (func $get (result i32)))
    (import "host" "write" (func $write (param i32 i32 i32 i32)))
    (import "store" "memory" (memory 1))
    (data (i32.const 64) "spam spam spam spam\0a")
    (func (export "run") (result i32)
      (local $stream i32)
      (local.set $stream (call $get))
      (loop $again
        (call $write (local.get $stream) (i32.const 64) (i32.const 20) (i32.const 16))
        (br $again))
      (unreachable)))
  (core instance $host (export "get" (func $get)) (export "write" (func $write)))
  (core instance $i
    (instantiate $m (with "host" (instance $host)) (with "store" (instance $store))))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $store "memory"))))
