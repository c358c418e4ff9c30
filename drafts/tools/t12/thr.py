import torch,time,sys
n=int(sys.argv[1]); torch.set_num_threads(n)
sys.path.insert(0,'/tmp/t12'); 
import lin3; torch.set_num_threads(n)
t=time.time(); lin3.train(ema=True,steps=300); print(n,time.time()-t)
