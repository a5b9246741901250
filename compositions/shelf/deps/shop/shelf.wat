;; Defines the resource: an item remembers a number, and reads it back.
(component
  (core module $m
    (func (export "id") (param i32) (result i32) (local.get 0)))
  (core instance $c (instantiate $m))
  (type $item (resource (rep i32)))
  (core func $new (canon resource.new $item))
  (core module $n
    (import "in" "new" (func $new (param i32) (result i32)))
    (func (export "make") (param i32) (result i32) (call $new (local.get 0))))
  (core instance $d (instantiate $n (with "in" (instance (export "new" (func $new))))))
  (func $make (param "n" u32) (result (own $item)) (canon lift (core func $d "make")))
  (func $read (param "self" (borrow $item)) (result u32) (canon lift (core func $c "id")))
  (component $shell
    (import "item" (type $t (sub resource)))
    (import "make" (func $make (param "n" u32) (result (own $t))))
    (import "read" (func $read (param "self" (borrow $t)) (result u32)))
    (export $item "item" (type $t))
    (export "make" (func $make) (func (param "n" u32) (result (own $item))))
    (export "[method]item.read" (func $read) (func (param "self" (borrow $item)) (result u32))))
  (instance $shelf (instantiate $shell
    (with "item" (type $item)) (with "make" (func $make)) (with "read" (func $read))))
  (export "my:shop/shelf@1.0.0" (instance $shelf)))
