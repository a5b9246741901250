;; A few hundred bytes that stand for ten thousand instances.
(component
  (component $one (core module $m) (core instance (instantiate $m)))
  (component $ten
    (instance (instantiate $one)) (instance (instantiate $one)) (instance (instantiate $one))
    (instance (instantiate $one)) (instance (instantiate $one)) (instance (instantiate $one))
    (instance (instantiate $one)) (instance (instantiate $one)) (instance (instantiate $one))
    (instance (instantiate $one)))
  (component $hundred
    (instance (instantiate $ten)) (instance (instantiate $ten)) (instance (instantiate $ten))
    (instance (instantiate $ten)) (instance (instantiate $ten)) (instance (instantiate $ten))
    (instance (instantiate $ten)) (instance (instantiate $ten)) (instance (instantiate $ten))
    (instance (instantiate $ten)))
  (component $thousand
    (instance (instantiate $hundred)) (instance (instantiate $hundred))
    (instance (instantiate $hundred)) (instance (instantiate $hundred))
    (instance (instantiate $hundred)) (instance (instantiate $hundred))
    (instance (instantiate $hundred)) (instance (instantiate $hundred))
    (instance (instantiate $hundred)) (instance (instantiate $hundred)))
  (instance (instantiate $thousand)) (instance (instantiate $thousand))
  (instance (instantiate $thousand)) (instance (instantiate $thousand))
  (instance (instantiate $thousand)) (instance (instantiate $thousand))
  (instance (instantiate $thousand)) (instance (instantiate $thousand))
  (instance (instantiate $thousand)) (instance (instantiate $thousand))
  (core module $m
    (memory (export "memory") 1)
    (func (export "run") (result i32) (i32.const 0)))
  (core instance $i (instantiate $m))
  (func (export "run") (result string)
    (canon lift (core func $i "run") (memory $i "memory"))))
