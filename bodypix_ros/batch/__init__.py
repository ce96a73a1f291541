"""Many sources at once: what is made of each is made once, on this computer or on many.

`run` does what `bodypix batch` does, `read` tells what a folder holds. Workers import OpenVINO; whoever gives
them work does not.
"""

from bodypix_ros.bags.making import BagRecipe
from bodypix_ros.batch.driver import Summary, run
from bodypix_ros.batch.manifest import read
from bodypix_ros.batch.recipe import EXPORTS, FileRecipe, Model, Recipe
from bodypix_ros.batch.report import figures

__all__ = ["EXPORTS", "BagRecipe", "FileRecipe", "Model", "Recipe", "Summary", "figures", "read", "run"]
