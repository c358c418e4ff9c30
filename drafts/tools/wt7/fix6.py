import re
t=open('/tmp/wt7/mk4.py').read()
def r(a,b,n=1):
    global t
    assert t.count(a)==n,(t.count(a),a)
    t=t.replace(a,b)
r("«READ_CLAIMS_1» Think about why. Rotation has four","«READ_CLAIMS_1» «KEEP_IF_CLAIMS_1_AND_2_HOLD:» Think about why. Rotation has four")
r("(That's our reading of the curves. They don't prove it.)","(That's our reading of the curves. They don't prove it.) «END»")
r("«READ_COMPUTE» So the two questions can't be parted. **Compute decides which task is best, and the task decides what compute is worth.** A table","«READ_COMPUTE» «KEEP_IF_CLAIMS_1_TO_3_HOLD:» So the two questions can't be parted. **Compute decides which task is best, and the task decides what compute is worth.** «END» A table")
r(" We didn't search again; it would have cost more than everything else together."," We didn't search again.")
r("3. **Compute matters as much as the task**: a ranking at one small compute shows who starts fast.","3. «KEEP_IF_CLAIM_3_HOLDS:» **Compute matters as much as the task**: a ranking at one small compute shows who starts fast. «END»")
r("what may one **forget**? Rotation needs an up.","what may one **forget**? «REMEMBER_UP»")
r("Orange cells are the interesting ones: there an encoder knows","If there are orange cells, they are the interesting ones: there an encoder knows")
r("The printed line is the test of the explanation.","The line printed above is the test of the explanation.")
# British spelling in prose, as in the other lessons
parts=re.split(r"(?m)^(?=md\(|code\()",t)
def british(s): return re.sub(r'\bgray\b','grey',re.sub(r'\b([Cc])olor(s|ful|ed|)\b',lambda m: m[1]+'olour'+m[2],s))
out=[]
for s in parts:
    if s.startswith('md('): s=british(s)
    elif 'quiz([' in s or s.startswith("code('''predict("): s=british(s)
    out.append(s)
t=''.join(out)
r("half hidden behind gray squares, and two views each, '\n     'cropped and in other colors.'","half hidden behind grey squares, and two views each, '\n     'cropped and in other colours.'")
r("'four shuffled pieces, gray,","'four shuffled pieces, grey,")
r("gives the colors back, knows more","gives the colours back, knows more")
open('/tmp/wt7/mk4.py','w').write(t)
