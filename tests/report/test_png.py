import io

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from microresearch.report.png import to_png
from microresearch.report.style import StudyFigure, context, settle


def read(content: bytes) -> Image.Image:
    image = Image.open(io.BytesIO(content))
    image.load()
    return image


@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (5, 1), (43, 61)])
def test_another_reader_finds_every_pixel_and_the_dots_an_inch(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 4), dtype=np.uint8)
    image = read(to_png(pixels, 600))
    assert (image.mode, image.format) == ("RGB", "PNG")
    np.testing.assert_array_equal(np.asarray(image), pixels[:, :, :3])
    assert image.info["dpi"] == pytest.approx((600, 600), abs=0.01)


@pytest.mark.parametrize("mm", [(88.0, 50.0), (180.0, 61.7), (93.37, 40.91)])
@pytest.mark.parametrize("dpi", [150, 333.3])
def test_a_figure_has_the_pixels_that_matplotlib_writes(mm: tuple[float, float], dpi: float) -> None:
    figure = StudyFigure(*mm, data=pd.DataFrame({"x": [1, 2]}), title="A line", alt="A rising line.")
    with context():
        figure.add_subplot().plot([1, 2], [-1, 2])
        settle(figure)
    plain = io.BytesIO()
    figure.savefig(plain, format="png", dpi=dpi)
    expected = np.asarray(read(plain.getvalue()))
    assert (expected[:, :, 3] == 255).all()
    np.testing.assert_array_equal(np.asarray(read(figure.to_bytes("png", dpi))), expected[:, :, :3])
