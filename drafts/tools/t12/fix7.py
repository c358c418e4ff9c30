s=open('/tmp/t12/mklesson.py').read()
def r(a,b,k=1):
    global s
    assert s.count(a)==k,(s.count(a),a); s=s.replace(a,b)
r("Half of what is left, 46%, sits on private values, which can't be predicted.","Only 54% of what is left is on shared values; the rest sits on private ones, which can't be predicted.")
r("No alarm on the spread would have noticed.","An alarm that waits for a single point wouldn't have noticed.")
open('/tmp/t12/mklesson.py','w').write(s)
e=open('/tmp/t12/mkex.py').read()
a="With it, the spread stays at 0.75 or more, and so it does without EMA; without the predictor it falls to 0.05."
assert a in e
e=e.replace(a,"Without EMA the spread stays at 0.75 or more; without the predictor it falls to 0.05.")
open('/tmp/t12/mkex.py','w').write(e)
