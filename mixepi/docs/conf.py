"""How the site of the library is built: `make docs`, without a network."""

import os
from importlib.metadata import version as installed_version

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # the notebooks' kernels take it over

project = "mixepi"
version = release = installed_version("mixepi")
copyright = "the authors of mixepi"
extensions = ["myst_nb", "numpydoc", "sphinx.ext.autodoc"]
exclude_patterns = ["conf.py", "notebooks/made_up.py"]
# `name` in a docstring is code
default_role = "literal"

html_theme = "furo"
html_title = f"mixepi {release}"
html_copy_source = False
html_show_sphinx = False

autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say types, with shapes and units
numpydoc_show_class_members = False  # autodoc lists them

myst_heading_anchors = 3
nb_custom_formats = {".py": ["jupytext.reads", {"fmt": "py:percent"}]}
# every build runs them anew, and stops at the first error
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
