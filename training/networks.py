"""Networks under the model contract: uint8 in, maps and scores in 0–1 out, nothing left to configure.

Cast, normalisation and activation are inside, so training, export and the line feed the same bytes.
"""

from __future__ import annotations

from typing import Any

import segmentation_models_pytorch as smp
import timm
import torch
from segmentation_models_pytorch.decoders.unet.decoder import UnetDecoder
from torch import Tensor, nn
from torch.nn.functional import avg_pool2d

from taktsight.training.weights import initialise

TOP_PIXELS = 8
"""A label's evidence in a map is the mean of this many highest pixels: one hot pixel is no defect."""

FRESH_LOGIT = -4.6
"""A fresh map says "1 % here": training need not first unlearn 50 % everywhere (Lin et al. 2017)."""


NAMED_PX = 21
"""Side of the square, canvas pixels, whose pixels agree on the name of a difference."""


class Normalise(nn.Module):
    """uint8 (N, H, W, C) → float32 (N, C, H, W) about 0.

    The cast comes first: TensorRT takes a uint8 input into nothing else.
    """

    def __init__(self, mean: float = 127.5, deviation: float = 127.5) -> None:
        super().__init__()
        self.mean, self.deviation = mean, deviation

    def forward(self, images: Tensor) -> Tensor:
        """(N, H, W, C) uint8 → (N, C, H, W) float32."""
        return (images.float().permute(0, 3, 1, 2) - self.mean) / self.deviation


class SegmentationNetwork(nn.Module):
    """Where each label is, and how sure the network is that it is there at all.

    A score is read from the highest pixels of the label's own map: a defect scores the same on a crop,
    a tile and a whole part, and no score is high where no place on the map says why.

    Args:
        labels: K.
        channels: 1 or 3.
        architecture: any of segmentation_models_pytorch: unet, unetplusplus, fpn, …
        encoder: a timm name.
        weights: ``package``, a file, or None; see :mod:`taktsight.training.weights`.
        decoder_channels: width of each decoder stage, deepest first, for the U-Net family.
    """

    def __init__(
        self,
        labels: int,
        channels: int,
        architecture: str = "unet",
        encoder: str = "tf_efficientnet_lite0",
        weights: str | None = None,
        decoder_channels: tuple[int, ...] = (96, 48, 32, 24, 16),
    ) -> None:
        super().__init__()
        options = {"decoder_channels": decoder_channels} if architecture.startswith("unet") else {}
        self.normalise = Normalise()
        self.body = smp.create_model(
            architecture,
            f"tu-{encoder}",
            encoder_weights=None,
            in_channels=channels,
            classes=labels,
            **options,
        )
        initialise(self.body.encoder.model, encoder, weights)
        nn.init.constant_(self.body.segmentation_head[0].bias, FRESH_LOGIT)

    def logits(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → maps (N, K, H, W) and scores (N, K) before the sigmoid."""
        return self._read(self.features(images))

    def features(self, images: Tensor) -> list[Tensor]:
        """(N, H, W, C) uint8 → what the encoder sees at each scale, finest first: (N, F, h, w) each."""
        seen: list[Tensor] = self.body.encoder(self.normalise(images))
        return seen

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → (N, F) mean of the encoder's deepest features, and scores (N, K) 0–1."""
        features = self.features(images)
        return features[-1].float().mean(dim=(2, 3)), self.sureness(self._read(features)[1])

    def _maps(self, features: list[Tensor]) -> Tensor:
        """(N, K, H, W) before the sigmoid."""
        maps: Tensor = self.body.segmentation_head(self.body.decoder(features))
        return maps

    def _read(self, features: list[Tensor]) -> tuple[Tensor, Tensor]:
        """Maps and scores before the sigmoid."""
        maps = self._maps(features)
        top = maps.flatten(2).topk(TOP_PIXELS, dim=2).values.mean(dim=2)
        return maps, top

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → maps (N, K, H, W) and scores (N, K), float32 0–1."""
        maps, scores = self.logits(images)
        return self.sureness(maps), self.sureness(scores)

    def sureness(self, logits: Tensor) -> Tensor:
        """Logits as float32 0–1."""
        # ONNX Runtime's sigmoid ends a rounding error above 1 where it is sure.
        return logits.float().sigmoid().clamp(0, 1)


class ComparisonNetwork(SegmentationNetwork):
    """Where a part differs from its golden template, and in which way.

    One encoder looks at both; the decoder gets, at every scale, what it saw of the part and how that
    differs from what it saw of the template. At the deeper scales a part that lies two pixels off still
    looks the same, so no exact registration is needed.

    Args:
        labels: K.
        channels: 1 or 3, of a frame; the input holds as many again of the template.
        encoder: a timm name.
        weights: ``package``, a file, or None; see :mod:`taktsight.training.weights`.
        decoder_channels: width of each decoder stage, deepest first.
    """

    def __init__(
        self,
        labels: int,
        channels: int,
        encoder: str = "tf_efficientnet_lite0",
        weights: str | None = None,
        decoder_channels: tuple[int, ...] = (96, 48, 32, 24, 16),
    ) -> None:
        super().__init__(labels, channels, "unet", encoder, weights, decoder_channels)
        self.channels = channels
        self.body.decoder = UnetDecoder(
            [2 * width for width in self.body.encoder.out_channels], decoder_channels
        )

    def features(self, images: Tensor) -> list[Tensor]:
        """(N, H, W, 2 C) uint8 → per scale (N, 2 F, h, w): of the part, and what differs."""
        both = self.normalise(images)
        stacked = torch.cat([both[:, : self.channels], both[:, self.channels :]])
        pairs = [seen.unflatten(0, (2, images.shape[0])) for seen in self.body.encoder(stacked)]
        return [torch.cat([pair[0], pair[0] - pair[1]], dim=1) for pair in pairs]

    def _maps(self, features: list[Tensor]) -> Tensor:
        """A pixel that differs does so in one way: the labels and "no difference" exclude each other.

        Outside of training the pixels around it have a say in its name. The loss wants each pixel's own.
        """
        maps = exclusive(super()._maps(features))
        return maps if self.training else one_name(maps)


def exclusive(maps: Tensor) -> Tensor:
    """Logits whose sigmoids are the softmax over K labels and a background of logit 0.

    The sigmoid of log(p ÷ (1 − p)) is p; 1 − p is the sum of the others, at least 1e-6 of the largest.

    Args:
        maps: (N, K, H, W).
    """
    maps = maps.float()
    highest = maps.amax(dim=1, keepdim=True).clamp(min=0)
    shares = (maps - highest).exp()
    others = shares.sum(dim=1, keepdim=True) - shares + (-highest).exp()
    return maps - highest - others.clamp(min=1e-6).log()


def one_name(maps: Tensor) -> Tensor:
    """Logits of the same difference, named by what its surroundings are mostly named.

    Half a spur that is taken for a short is no second defect: with names of its own for every pixel,
    two in three of the regions that DeepPCB does not show lay on a defect that was found already.

    Args:
        maps: (N, K, H, W) logits whose sigmoids add up to 1 at most.
    """
    shares = maps.sigmoid()
    reach = NAMED_PX // 2
    near = avg_pool2d(shares, (NAMED_PX, 1), 1, (reach, 0))
    near = avg_pool2d(near, (1, NAMED_PX), 1, (0, reach))
    # The likeliest name is as sure as the difference is: two that share a place must not hide each other.
    near = (near / near.amax(dim=1, keepdim=True).clamp(min=1e-8)).square()
    named = (shares.sum(dim=1, keepdim=True) * near).clamp(1e-6, 1 - 1e-6)
    return named.log() - (1 - named).log()


class ClassificationNetwork(nn.Module):
    """Which defect label a part shows: softmax over K labels and the good part, which exclude each other.

    Args:
        labels: K.
        channels: 1 or 3.
        encoder: a timm name.
        weights: ``package``, a file, or None; see :mod:`taktsight.training.weights`.
    """

    def __init__(
        self,
        labels: int,
        channels: int,
        encoder: str = "tf_efficientnet_lite0",
        weights: str | None = None,
    ) -> None:
        super().__init__()
        self.labels = labels
        self.normalise = Normalise()
        self.body = timm.create_model(
            encoder, pretrained=False, in_chans=channels, num_classes=labels + 1, drop_rate=0.2
        )
        initialise(self.body, encoder, weights)

    def logits(self, images: Tensor) -> Tensor:
        """(N, H, W, C) uint8 → (N, K + 1) before the softmax; class K is the good part."""
        classes: Tensor = self.body(self.normalise(images))
        return classes

    def look(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → pooled deepest features (N, F), and scores (N, K) 0–1."""
        body: Any = self.body  # every timm model has these two
        features = body.forward_features(self.normalise(images))
        scores = body.forward_head(features).float().softmax(dim=1)[:, : self.labels]
        return body.forward_head(features, pre_logits=True).float(), scores

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """(N, H, W, C) uint8 → maps (N, K, 1, 1) and scores (N, K), float32 0–1."""
        scores = self.logits(images).float().softmax(dim=1)[:, : self.labels]
        return scores[:, :, None, None], scores


Network = SegmentationNetwork | ClassificationNetwork
