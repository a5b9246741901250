;; Reads an item that somebody else found.
(component
  (import "my:shop/shelf@1.0.0" (instance $shelf
    (export "item" (type $t (sub resource)))
    (export "make" (func (param "n" u32) (result (own $t))))
    (export "[method]item.read" (func (param "self" (borrow $t)) (result u32)))))
  (alias export $shelf "item" (type $item))
  (core func $read (canon lower (func $shelf "[method]item.read")))
  (core module $m
    (import "in" "read" (func $read (param i32) (result i32)))
    (import "in" "drop" (func $drop (param i32)))
    (func (export "show") (param i32) (result i32) (local $n i32)
      (local.set $n (i32.add (call $read (local.get 0)) (i32.const 1)))
      (call $drop (local.get 0))
      (local.get $n)))
  (core func $drop (canon resource.drop $item))
  (core instance $c (instantiate $m (with "in" (instance
    (export "read" (func $read)) (export "drop" (func $drop))))))
  (func $show (param "i" (own $item)) (result u32) (canon lift (core func $c "show")))
  (component $shell
    (import "item" (type $t (sub resource)))
    (import "show" (func $show (param "i" (own $t)) (result u32)))
    (export $item "item" (type $t))
    (export "show" (func $show) (func (param "i" (own $item)) (result u32))))
  (instance $page (instantiate $shell (with "item" (type $item)) (with "show" (func $show))))
  (export "my:shop/page@1.0.0" (instance $page)))
