"The pixel decoder: one place at a time, in any size."
import torch

from helpers import small_encoder
from ssl_course.decoder import PixelDecoder

def test_decoder_sees_one_place_at_a_time():
    encoder = small_encoder()
    decoder = PixelDecoder(encoder, channels=5)
    features = torch.rand(2, encoder.n_features, 3, 4)
    out = decoder(features, (24, 32))
    assert out.shape==(2,5,24,32)
    cell = decoder(features[:,:,2:,1:2], (8, 8))
    assert torch.allclose(out[:,:,16:24,8:16], cell, atol=1e-5)
    assert decoder(features, (19, 25)).shape==(2,5,19,25)
    assert encoder.stride()==8
