//! The real `plakar`, run as a child and never imitated.
