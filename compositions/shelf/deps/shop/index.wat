;; Makes items of the shelf's, and hands them on.
(component
  (import "my:shop/shelf@1.0.0" (instance $shelf
    (export "item" (type $t (sub resource)))
    (export "make" (func (param "n" u32) (result (own $t))))
    (export "[method]item.read" (func (param "self" (borrow $t)) (result u32)))))
  (alias export $shelf "item" (type $item))
  (core func $make (canon lower (func $shelf "make")))
  (core module $m
    (import "in" "make" (func $make (param i32) (result i32)))
    (func (export "find") (result i32) (call $make (i32.const 41))))
  (core instance $c (instantiate $m (with "in" (instance (export "make" (func $make))))))
  (func $find (result (own $item)) (canon lift (core func $c "find")))
  (component $shell
    (import "item" (type $t (sub resource)))
    (import "find" (func $find (result (own $t))))
    (export $item "item" (type $t))
    (export "find" (func $find) (func (result (own $item)))))
  (instance $index (instantiate $shell (with "item" (type $item)) (with "find" (func $find))))
  (export "my:shop/index@1.0.0" (instance $index)))
