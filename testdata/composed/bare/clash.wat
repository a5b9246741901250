;; Imports `log` with another type: one import of the whole cannot be both.
(component
  (import "log" (func $log (param "e" string)))
  (type $record (record (field "code" u32)))
  (import "before" (type $before (eq $record)))
  (import "run" (func $run (param "e" $before) (result u32)))
  (core func $run' (canon lower (func $run)))
  (core module $m
    (import "in" "run" (func $run (param i32) (result i32)))
    (func (export "again") (result i32) (call $run (i32.const 4))))
  (core instance $c (instantiate $m (with "in" (instance (export "run" (func $run'))))))
  (func (export "again") (result u32) (canon lift (core func $c "again"))))
