s=open('/tmp/t12/mklesson.py').read()
def r(a,b,k=1):
    global s
    assert s.count(a)==k,(s.count(a),a); s=s.replace(a,b)
r("code('''parts = ('stop-gradient', 'predictor', 'slow target', 'weight decay')\n","code('''threads = torch.get_num_threads()\ntorch.set_num_threads(1) # matrices this small are faster on one core\nparts = ('stop-gradient', 'predictor', 'slow target', 'weight decay')\n")
r("pd.DataFrame(table).T''')\nmd('''The formula","torch.set_num_threads(threads)\npd.DataFrame(table).T''')\nmd('''The formula")
open('/tmp/t12/mklesson.py','w').write(s)
