t=open('/tmp/wt7/mk1.py').read()
t=t.replace("""        for w,s in parts.items(): train_at(store, s, p, w, p['keep'], p['tasks'], i)""","""        for w,s in parts.items():
            for n in p['units']: train_at(store, s, p, w, n, p['tasks'], i)""")
t=t.replace("keys = [dict(world=world, bound='supervised', lr=lr, seed=0) for lr in rates_left(tried, p)]","rates = rates_left(tried, p)\n        keys = [dict(world=world, bound='supervised', lr=lr, seed=0) for lr in rates]")
open('/tmp/wt7/mk1.py','w').write(t)
