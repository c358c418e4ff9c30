s=open('/tmp/t12/mklesson.py').read()
def r(a,b,k=1):
    global s
    assert s.count(a)==k,(s.count(a),a); s=s.replace(a,b)
r("import INK,METHOD_COLORS,PALETTE,course_style,new_figure","import INK,PALETTE,course_style,new_figure")
r("colors = {'pull only': PALETTE[0], 'BYOL': PALETTE[1]}","colors = {'pull only': PALETTE[7], 'BYOL': PALETTE[1]}")
r("        axes[0].set_ylabel(name, color=colors[name], weight='bold')\n","        axes[0].set_ylabel(name, color=colors[name], weight='bold')\n    fig.suptitle('Both only pull. One of them collapses', x=.02, ha='left')\n")
open('/tmp/t12/mklesson.py','w').write(s)
