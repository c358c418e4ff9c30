s=open('mklesson.py').read()
def r(a,b,n=1):
    global s
    assert s.count(a)==n,(s.count(a),a); s=s.replace(a,b)
r("MAE's own curves still rise after 1,600 epochs. Our minutes are at the very beginning of that.","In the paper, the linear probe was still rising after 1,600 epochs. Our minutes are at the very beginning of that.")
r("A convolutional network can only be shown grey, as in lesson 5.","An ordinary convolutional network can only be shown grey, as in lesson 5.")
r("Here's what the best filter still gets, as more and more is hidden: the error of diffusion, as a fraction of that of the mean colour.","Here's how far diffusion still gets as more and more is hidden: its error, as a fraction of that of the mean colour.")
r("Two lines of `MaskedFeatures` differ from the masked autoencoder:","A few lines of `MaskedFeatures` differ from the masked autoencoder:")
r("Ten seconds each, with the slow copy, and with a copy that isn't slow at all.","A short practice each, with the slow copy, and with a copy that isn't slow at all.")
r("The convolutional network had an hour of SimCLR and 100,000 postcards; our transformer had four minutes.","The convolutional network had an hour of SimCLR, on 100,000 postcards; our transformer had a few minutes.")
open('mklesson.py','w').write(s)
s=open('mkexp.py').read()
r("seen=s.pick(64, 44_800)","seen=s.pick(64, 38_400)")
open('mkexp.py','w').write(s)
