"""Services that are declared ready for use, one file each. They are data: what is sent is the business of the runtime.

What each file decides is which endpoints an analyst needs, all of them reading, and by what an answer is cut off at a
date. Where a service gives nothing that keeps the future out, its endpoint declares nothing, and a cutoff refuses it.
"""
