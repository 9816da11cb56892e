package bom

allow := true