__version__ = "0.1.0"

# Written by hand; nbdev changes the version only. What fastai and tqdm say while they are
# imported no user can change.
import warnings
warnings.filterwarnings('ignore', '`torch.jit.script` is deprecated', FutureWarning)
warnings.filterwarnings('ignore', 'IProgress not found')
del warnings
