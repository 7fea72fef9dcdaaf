"""Classic training-free proxies, one idea a file; every module here is imported when the registry is first asked."""
