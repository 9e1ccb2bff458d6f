package drive

import (
	"context"
	"testing"

	_ "github.com/rclone/rclone/backend/local"
	"github.com/rclone/rclone/fs"
	"github.com/rclone/rclone/fs/config/obscure"

	"bridge/checks"
)

// What is between crypt and the remote that it wraps must be seen through.
func TestCiphertextIsTransparent(t *testing.T) {
	f, err := fs.NewFs(context.Background(), ":crypt,password="+obscure.MustObscure("x")+",remote='"+t.TempDir()+"':")
	checks.OK(t, err)
	inner := f.Features().UnWrap()
	if _, ok := inner.(*ciphertext); !ok {
		t.Fatalf("%T", inner)
	}
	if under := inner.Features().UnWrap(); under == nil || under.Name() != "local" {
		t.Fatal(under)
	}
}
