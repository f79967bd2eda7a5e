# SPDX-License-Identifier: Apache-2.0
"""What genuine pickles do contain, but what must not be called harmless by its name alone. Each with its reason.

A reader that meets one of these may still accept it, after looking at what it is given: that is code, not a table.
"""
DENIED = {
    # Look anything up, or call anything later. HistGradientBoosting with categories (1.4 on) holds functools.partial(check_array, …);
    # protocols below 4 write a method as getattr(class, name).
    ("functools", "partial"), ("builtins", "getattr"), ("__builtin__", "getattr"), ("builtins", "type"), ("__builtin__", "type"),
    # Imports the module that it is told and takes an attribute of it: how NumPy before 1.20 wrote a ufunc.
    ("numpy.core", "_ufunc_reconstruct"), ("numpy._core", "_ufunc_reconstruct"),
    # Reads the time zone database, by a name from the pickle.
    ("zoneinfo", "ZoneInfo"), ("pytz", "_p"),
    # Prints.
    ("xgboost.collective", "communicator_print"),
    # Maps a file into memory.
    ("numpy", "memmap"), ("numpy.core.memmap", "memmap"), ("numpy._core.memmap", "memmap"),
}
# Not collected at all: sklearn2pmml.preprocessing.ExpressionTransformer (evaluates text from the pickle when it is asked),
# scipy.stats distributions (their __setstate__ runs exec on text from the pickle), torch.storage._load_from_bytes (a torch.load
# inside the pickle), joblib.memory.Memory (makes folders), sklearn.callback (progress displays).
