"""The process that runs Python functions for a worker; see docs/function-processes.md.

main.py loads this folder as the package `hyperloom_function_process`, without putting it on
sys.path, so that no name of ours hides one of the user's.
"""
